"""The numbered rules as manifests, from the document to the verdict and its explanation."""
