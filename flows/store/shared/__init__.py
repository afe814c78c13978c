"""A store that several machines share: its database in PostgreSQL, its files in object storage."""

DATABASE, ARTIFACTS = "DAE_DATABASE", "DAE_ARTIFACTS"  # in the environment: where they lie
