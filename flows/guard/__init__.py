"""Who is answered: the guard before every server of ours. Knows ASGI and sockets, and nothing of what is behind."""
