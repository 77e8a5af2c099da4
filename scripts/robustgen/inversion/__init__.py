"""GAN inversion as a classifier, and the distances that it minimises (An Ju 2021, chapter 3)."""
