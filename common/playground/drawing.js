// A field to draw in. After every stroke it sends what is drawn, as a PNG, black on white.
export default {
  props: { pen: Number },
  template: `<canvas ref="field" width="280" height="280"
    @pointerdown.prevent="begin" @pointermove.prevent="move" @pointerup="end" @pointercancel="end"></canvas>`,
  mounted() {
    this.wipe();
  },
  methods: {
    wipe() {
      this.paint = this.$refs.field.getContext("2d");
      this.paint.fillStyle = "white";
      this.paint.fillRect(0, 0, 280, 280);
      this.paint.lineWidth = this.pen;
      this.paint.lineCap = this.paint.lineJoin = "round";
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
      this.paint.beginPath();
      this.paint.moveTo(...this.last);
      this.paint.lineTo(...next);
      this.paint.stroke();
      this.last = next;
    },
    end() {
      if (!this.down) return;
      this.down = false;
      this.$emit("stroke", this.$refs.field.toDataURL("image/png"));
    },
  },
};
