"""Fine-tuning: what the models learn from, the scripts that train them, and their export."""
