"""The page of the game, for whoever opens it: a team, the teacher, or somebody new."""

from nicegui import ui

from common.playground.words import say
from hw1_mnist_mlp.lowest_point import teacher_page, team_page, views
from hw1_mnist_mlp.lowest_point.visit import TEACHER, TEAM, game

NAME = "lowest-point"
TITLE = ("The lowest point", "找最低點")
ABOUT = (
    "A game for a class: find the lowest point of a function that nobody sees, by its value and tangent where you ask.",
    "全班一起玩的遊戲：函數藏起來，每猜一個 x，只告訴你那裡的函數值和切線，看誰找到最低點。",
)


def build():
    request = ui.context.client.request
    if "teacher" in request.query_params:
        teacher_page.build(request.cookies.get(TEACHER, ""))
        return
    token = request.cookies.get(TEAM, "")
    if views.team(game(), token):
        team_page.play(token)
    else:
        team_page.join()
        ui.link(say("For the teacher", "老師專用"), f"/{NAME}?teacher").classes("quiet")
