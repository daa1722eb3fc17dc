"""HTTP: the server that holds console, map routes and web files in one process."""
