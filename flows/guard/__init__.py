"""Who is answered: the guard before every server of ours. Knows ASGI, sockets, people, and not what is behind."""
