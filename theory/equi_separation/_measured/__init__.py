"""What rooms measure, where it takes more than a call: each module holds the measurements of one subject. No prediction comes here."""
