"""The studio: both servers and the runner of deployments under one command, and what keeps them in order."""
