// The symbols of points: shapes that stay apart at 8 px, drawn once to a small canvas and stamped from there.
(function () {
  "use strict";

  const corners = (n, turn, inner) => {
    const points = [], steps = inner ? 2 * n : n;
    for (let k = 0; k < steps; k++) {
      const angle = turn + (2 * Math.PI * k) / steps, r = inner && k % 2 ? inner : 1;
      points.push([r * Math.cos(angle), r * Math.sin(angle)]);
    }
    return points;
  };
  const UP = -Math.PI / 2;
  const SHAPES = {
    square: corners(4, Math.PI / 4),
    diamond: corners(4, 0).map(([x, y]) => [1.12 * x, 1.12 * y]),
    triangle: corners(3, UP).map(([x, y]) => [1.22 * x, 1.22 * y + 0.14]),
    down: corners(3, -UP).map(([x, y]) => [1.22 * x, 1.22 * y - 0.14]),
    pentagon: corners(5, UP),
    hexagon: corners(6, 0),
    star: corners(5, UP, 0.52).map(([x, y]) => [1.38 * x, 1.38 * y]),
    cross: [[-.36, -1], [.36, -1], [.36, -.36], [1, -.36], [1, .36], [.36, .36], [.36, 1], [-.36, 1], [-.36, .36],
      [-1, .36], [-1, -.36], [-.36, -.36]],
  };

  gridgov.tracePath = function (context, shape, x, y, radius) {
    context.beginPath();
    const points = SHAPES[shape];
    if (!points) {
      context.arc(x, y, radius, 0, 2 * Math.PI);
      return;
    }
    const grow = shape === "square" ? 1.14 : 1.05;
    points.forEach(([px, py], k) => {
      if (k) context.lineTo(x + px * radius * grow, y + py * radius * grow);
      else context.moveTo(x + px * radius * grow, y + py * radius * grow);
    });
    context.closePath();
  };

  gridgov.drawSymbol = function (context, symbol, x, y, radius) {
    gridgov.tracePath(context, symbol.shape, x, y, radius);
    context.lineJoin = "round";
    if (symbol.shape === "noentry") return noEntry(context, symbol, x, y, radius);
    if (symbol.shape === "ring") {
      context.lineWidth = radius * 0.6;
      context.strokeStyle = symbol.fill;
      context.stroke();
      return;
    }
    // White edge outside, thin dark rim: the symbol stands out on light and on dark ground.
    context.lineWidth = Math.max(2.6, radius * 0.55);
    context.strokeStyle = "rgba(30,38,50,.35)";
    context.stroke();
    context.lineWidth = Math.max(1.8, radius * 0.38);
    context.strokeStyle = symbol.line || "#fff";
    context.stroke();
    context.fillStyle = symbol.fill;
    context.fill();
  };

  // The traffic sign: a disc with a bar.
  function noEntry(context, symbol, x, y, radius) {
    context.lineWidth = 3;
    context.strokeStyle = symbol.line || "#fff";
    context.stroke();
    context.fillStyle = symbol.fill;
    context.fill();
    context.fillStyle = "#fff";
    context.fillRect(x - radius * 0.6, y - radius * 0.2, radius * 1.2, radius * 0.4);
  }

  // A stamp: the symbol on a canvas of its own, to be drawn with drawImage many thousand times.
  gridgov.stamp = function (symbol, radius) {
    const ratio = gridgov.ratio(), half = Math.ceil(radius * 1.6 + 3);
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 2 * half * ratio;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    gridgov.drawSymbol(context, symbol, half, half, radius);
    return { canvas, half, size: 2 * half };
  };

  // The small picture in the legend and the layer list.
  gridgov.swatch = function (entry) {
    const canvas = document.createElement("canvas"), ratio = gridgov.ratio(), w = 22, h = 16;
    canvas.width = w * ratio;
    canvas.height = h * ratio;
    canvas.className = "gg-swatch";
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    if (entry.symbol === "point") {
      gridgov.drawSymbol(context, { shape: entry.shape, fill: entry.color, line: "#fff" }, w / 2, h / 2, 5);
    } else if (entry.symbol === "line") {
      if (entry.line) strokeLine(context, w, h, entry.line, 5.5, []);
      strokeLine(context, w, h, entry.color, entry.line ? 3.6 : 2.4, entry.dash || []);
    } else {
      context.fillStyle = entry.color;
      context.globalAlpha = entry.opacity ?? 1;
      context.fillRect(3, 2.5, w - 6, h - 5);
      context.globalAlpha = 1;
      context.lineWidth = 1;
      context.strokeStyle = entry.line || "rgba(57,66,78,.35)";
      context.strokeRect(3, 2.5, w - 6, h - 5);
    }
    return canvas;
  };

  function strokeLine(context, w, h, color, width, dash) {
    context.beginPath();
    context.setLineDash(dash);
    context.moveTo(2, h / 2);
    context.lineTo(w - 2, h / 2);
    context.strokeStyle = color;
    context.lineWidth = width;
    context.stroke();
  }
})();
