# fish completion for mb-scan: see mb.fish.
source (status dirname)/mb.fish
