# fish completion for mb-probe: see mb.fish.
source (status dirname)/mb.fish
