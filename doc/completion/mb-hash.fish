# fish completion for mb-hash: see mb.fish.
source (status dirname)/mb.fish
