"""The page of the runs: what each has reached, its curves while it still trains, and the report of all."""

NAME = "runs"
TITLE = ("Runs", "訓練紀錄")
ABOUT = ("What has been trained, and what is being trained now.", "訓練過的模型，以及正在訓練的模型。")


def build():
    pass
