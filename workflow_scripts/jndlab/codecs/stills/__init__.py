"""Codecs of still pictures: JPEG, HEVC intra and BPG, with a store of coded pictures."""
