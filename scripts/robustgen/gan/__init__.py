"""Class-conditional GANs and encoders into their latents (An Ju 2021, chapter 3)."""
