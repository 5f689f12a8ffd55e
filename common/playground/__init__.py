"""The playground: a local web page in which everything that was trained can be played with.

    python -m common.playground

A page stands with the homework that it belongs to: a module called page.py, in the folder of the homework or in any
folder inside of it. The frame finds it by its name, calls it, and knows nothing else of it. A page has

    NAME    "digits"                       its address is /digits
    TITLE   ("Digits", "手寫數字")          English, and the Traditional Chinese of Taiwan
    ABOUT   ("Draw a digit ...", "...")    a sentence or two for the list of pages; it also stands below the title
    build() makes the page with NiceGUI's elements, below the header of the frame. It is called anew for everybody who
            opens the page, so what it keeps in local variables belongs to that visitor alone. It may be `async`.

When a page is imported it may import Keras, but it must not touch a device, read data or open a file: `build` shows
what is there, and everything else waits until it is asked for. What the frame offers to pages:

    from common.playground.words import say
        say("Draw a digit.", "畫一個數字。") is the text in the visitor's language
    from common.playground.line import compute
        await compute(function, *arguments) for whatever a model does, or is slow: one at a time, in a thread; the
        others wait in line and see that they wait. A UserError becomes a notice on the page, and `compute` gives None.
        The function must touch no element, nor `say`.
    from common.playground import models
        finished(HOMEWORK) are the runs in outputs/, choose(found, command) the field that chooses one of them or names
        the command that trains one; in `compute`: prepared(open_it, run), what a page makes of a run, kept for all
        visitors; examples("mnist"), a data set to show it beside
    from common.playground.given import where
        what the command line has given: where.outputs, where.data_dir, where.password (the teacher's)
    from common.playground import parts
        pictures, bars of probabilities, a map with a star, a field to draw in, an upload

Whatever a visitor or a file has named is shown by ui.label or `parts`, as text: never by ui.html or ui.markdown. Only
what comes with NiceGUI or with this repository is loaded by a browser: no other address, no CDN.
"""
