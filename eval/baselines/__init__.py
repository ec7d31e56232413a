"""What anything must beat: summaries that need no model, labels that need no reading, and oracles as the roof."""
