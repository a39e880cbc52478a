"""The search for better settings of an agent, and the comparison of what it finds with the recipe's own."""
