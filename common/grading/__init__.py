"""The parts of the grader (common/grade.py): what is handed in, the sandbox that reads it, scores, points, results."""
