"""How many steps back trained networks look."""
