// A field to draw in. After every stroke it sends what is drawn, as a PNG, black on white.
export default {
  template: `<canvas ref="field" width="280" height="280"
    @pointerdown.prevent="begin" @pointermove.prevent="move" @pointerup="end" @pointercancel="end"></canvas>`,
  mounted() {
    this.wipe();
  },
  methods: {
    wipe() {
      this.pen = this.$refs.field.getContext("2d");
      this.pen.fillStyle = "white";
      this.pen.fillRect(0, 0, 280, 280);
      this.pen.lineWidth = 22;
      this.pen.lineCap = this.pen.lineJoin = "round";
      this.down = false;
    },
    place(event) {
      const box = this.$refs.field.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width) * 280, ((event.clientY - box.top) / box.height) * 280];
    },
    begin(event) {
      this.$refs.field.setPointerCapture(event.pointerId);
      this.down = true;
      this.last = this.place(event);
      this.move(event);
    },
    move(event) {
      if (!this.down) return;
      const next = this.place(event);
      this.pen.beginPath();
      this.pen.moveTo(...this.last);
      this.pen.lineTo(...next);
      this.pen.stroke();
      this.last = next;
    },
    end() {
      if (!this.down) return;
      this.down = false;
      this.$emit("stroke", this.$refs.field.toDataURL("image/png"));
    },
  },
};
