/// Horizontal bars in SVG, each a stack of coloured parts, in labelled groups.
package struct BarChart: Sendable {
  /// One colour and what it stands for.
  package struct Part: Sendable {
    package var name: String
    package var color: String

    package init(_ name: String, color: String) {
      self.name = name
      self.color = color
    }
  }

  package struct Bar: Sendable {
    /// Stands before the bar, after the group's label; may be empty.
    package var label: String
    /// One value for each part.
    package var values: [Double]
    /// Stands after the bar.
    package var note: String
    /// Drawn paler: not measured.
    package var isPale: Bool

    package init(_ label: String, values: [Double], note: String, isPale: Bool = false) {
      self.label = label
      self.values = values
      self.note = note
      self.isPale = isPale
    }
  }

  package struct Group: Sendable {
    package var label: String
    package var bars: [Bar]

    package init(_ label: String, _ bars: [Bar]) {
      self.label = label
      self.bars = bars
    }
  }

  private let title: String
  private let parts: [Part]
  private let groups: [Group]
  private let format: @Sendable (Double) -> String

  private static let width = 960.0
  private static let bar = (height: 18.0, gap: 3.0, groupGap: 12.0)
  private static let top = 34.0

  /// - Parameter format: a value with its unit, for the axis and for the bars' titles.
  package init(
    title: String, parts: [Part], groups: [Group], format: @escaping @Sendable (Double) -> String
  ) {
    self.title = title
    self.parts = parts
    self.groups = groups
    self.format = format
  }

  private var labelWidth: Double { Double(groups.map(\.label.count).max() ?? 0) * 8 + 14 }
  private var barLabelWidth: Double {
    let longest = groups.flatMap(\.bars).map(\.label.count).max() ?? 0
    return longest == 0 ? 0 : Double(longest) * 6.6 + 10
  }
  private var noteWidth: Double {
    Double(groups.flatMap(\.bars).map(\.note.count).max() ?? 0) * 6.6 + 14
  }

  /// The picture; widths follow from the longest labels.
  package var svg: String {
    let left = labelWidth + barLabelWidth
    let room = Self.width - left - noteWidth
    let most = groups.flatMap(\.bars).map { $0.values.reduce(0, +) }.max() ?? 1
    let axis = Self.axis(upTo: most)
    let scale = room / max(axis.last ?? most, most, .leastNormalMagnitude)
    var y = Self.top
    var shapes: [String] = []
    for group in groups {
      let height = Double(group.bars.count) * (Self.bar.height + Self.bar.gap)
      shapes.append(text(0, y + height / 2 + 4, group.label, size: 13, weight: 600))
      for bar in group.bars {
        shapes += draw(bar, left: left, y: y, scale: scale)
        y += Self.bar.height + Self.bar.gap
      }
      y += Self.bar.groupGap
    }
    var lines: [String] = []
    for value in axis {
      let x = left + value * scale
      lines.append(
        "<path d=\"M\(r(x)) \(r(Self.top - 6))V\(r(y))\" stroke=\"#e3e5e8\" stroke-width=\"1\"/>")
      lines.append(text(x, y + 14, format(value), size: 11, anchor: "middle", fill: "#57606a"))
    }
    return "<svg viewBox=\"0 0 \(r(Self.width)) \(r(y + 24))\" role=\"img\" "
      + "aria-label=\"\(HTMLPage.escaped(title))\" font-family=\"system-ui, DejaVu Sans, sans-serif\">"
      + (lines + legend + shapes).joined(separator: "\n") + "</svg>"
  }

  private func draw(_ bar: Bar, left: Double, y: Double, scale: Double) -> [String] {
    var shapes: [String] = []
    var x = left
    if !bar.label.isEmpty {
      shapes.append(
        text(left - 6, y + 13, bar.label, size: 11, anchor: "end", fill: "#57606a"))
    }
    for (part, value) in zip(parts, bar.values) where value > 0 {
      let width = value * scale
      let opacity = bar.isPale ? " fill-opacity=\"0.45\" stroke=\"\(part.color)\" stroke-width=\"1\"" : ""
      shapes.append(
        "<rect x=\"\(r(x))\" y=\"\(r(y))\" width=\"\(r(max(width, 0.5)))\" height=\"\(r(Self.bar.height))\" "
          + "fill=\"\(part.color)\"\(opacity)><title>\(HTMLPage.escaped("\(part.name): \(format(value))"))"
          + "</title></rect>")
      x += width
    }
    shapes.append(text(x + 6, y + 13, bar.note, size: 12))
    return shapes
  }

  private var legend: [String] {
    guard parts.count > 1 else { return [] }
    var x = 0.0
    return parts.flatMap { part in
      defer { x += Double(part.name.count) * 7.2 + 34 }
      return [
        "<rect x=\"\(r(x))\" y=\"4\" width=\"13\" height=\"13\" fill=\"\(part.color)\"/>",
        text(x + 18, 15, part.name, size: 12),
      ]
    }
  }

  /// Round values from 0 to at least `most`, about five of them.
  private static func axis(upTo most: Double) -> [Double] {
    guard most > 0, most.isFinite else { return [0] }
    var unit = 1.0
    while unit * 10 <= most { unit *= 10 }
    while unit > most { unit /= 10 }
    let step = [0.2, 0.5, 1, 2, 5].map { $0 * unit }.first { most / $0 <= 6 } ?? unit
    let count = Int((most / step).rounded(.up))
    return (0...count).map { Double($0) * step }
  }

  private func text(
    _ x: Double, _ y: Double, _ content: String, size: Int, anchor: String = "start", weight: Int = 400,
    fill: String = "#1b1f24"
  ) -> String {
    "<text x=\"\(r(x))\" y=\"\(r(y))\" font-size=\"\(size)\" font-weight=\"\(weight)\" "
      + "text-anchor=\"\(anchor)\" fill=\"\(fill)\">\(HTMLPage.escaped(content))</text>"
  }

  private func r(_ value: Double) -> String { Numbers.decimal(value, digits: 1) }
}
