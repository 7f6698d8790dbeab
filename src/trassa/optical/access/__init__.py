"""What hangs on the line: links and rings to the huts, their budgets and delays."""
