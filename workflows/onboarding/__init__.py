"""The first job of headway: customer success sources into the platform (manifest, inputs, the two chains)."""
