"""Pictures that several homeworks draw."""
