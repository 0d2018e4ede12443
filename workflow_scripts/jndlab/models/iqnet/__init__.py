"""IQNet and the network that it is compared with."""
