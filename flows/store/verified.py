"""What a run's tags say of its last verification: when, with which verdict, how, and what differed."""

AT, VERDICT, HOW, WHY = "verified.at", "verified.verdict", "verified.how", "verified.why"
