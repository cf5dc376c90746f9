"""The same node in virtual time: world, network and disk without sockets, threads or waiting."""
