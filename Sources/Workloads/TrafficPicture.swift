package import Topology
internal import Wire

/// One layer of a recorded step as an SVG picture: a grid of senders and receivers for each operation.
package struct TrafficPicture {
  private let step: RecordedStep
  private let layer: Int
  private let plan: ShardPlan
  private let title: String

  private static let cell = (width: 46, height: 24)
  private static let margin = 24
  private static let panelGap = 44
  /// Space above the grid of a panel, and below it.
  private static let head = 62
  private static let foot = 30
  /// Ranks whose pictures stay legible.
  package static let maximumRanks = 16

  package init(_ step: RecordedStep, layer: Int, plan: ShardPlan, title: String) {
    self.step = step
    self.layer = layer
    self.plan = plan
    self.title = title
  }

  private var ranks: [Int] { plan.mesh.replicaGroup(of: 0).ranks }
  private var panels: [RecordedStep.Operation] { step.operations.filter { $0.layer == layer } }
  private var most: Double { Double(panels.flatMap(\.messages).map(\.bytes).max() ?? 1) }

  private var labels: [String] {
    ranks.map { rank in
      let at = plan.mesh.coordinates(of: rank)
      return
        "\(rank)  group \(plan.mesh.tokenIndex(of: rank)) \u{00b7} ep \(at.expert) \u{00b7} tp \(at.model)"
    }
  }

  /// Text of the whole file.
  package var svg: String {
    let labelWidth = 150
    let panelWidth = labelWidth + ranks.count * Self.cell.width
    let panelHeight = Self.head + ranks.count * Self.cell.height + Self.foot
    let columns = min(2, max(panels.count, 1))
    let lines = (panels.count + columns - 1) / columns
    let width = 2 * Self.margin + columns * panelWidth + (columns - 1) * Self.panelGap
    let top = 78
    let height = top + lines * (panelHeight + 18) + Self.margin
    var parts = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" "
        + "viewBox=\"0 0 \(width) \(height)\" font-family=\"DejaVu Sans, Arial, sans-serif\" font-size=\"12\">",
      "<rect width=\"\(width)\" height=\"\(height)\" fill=\"#ffffff\"/>",
      text(Self.margin, 32, title, size: 17, weight: "bold"),
      text(
        Self.margin, 54,
        "Layer \(layer), rows by attention group: \(step.rows.map(String.init).joined(separator: ", ")). "
          + "A line sends, a column receives; numbers are payload bytes as the links counted them.",
        fill: "#555555"),
    ]
    for (index, panel) in panels.enumerated() {
      let x = Self.margin + index % columns * (panelWidth + Self.panelGap)
      let y = top + index / columns * (panelHeight + 18)
      parts += grid(panel, x: x, y: y, labelWidth: labelWidth, number: index + 1)
    }
    parts.append("</svg>")
    return parts.joined(separator: "\n") + "\n"
  }

  private func grid(_ panel: RecordedStep.Operation, x: Int, y: Int, labelWidth: Int, number: Int) -> [String]
  {
    let left = x + labelWidth
    let gridTop = y + Self.head
    var parts = [
      text(x, y + 18, "\(number)  \(panel.operation.name)", size: 14, weight: "bold"),
      text(x, y + 36, Self.meaning(of: panel), fill: "#555555"),
    ]
    for (index, rank) in ranks.enumerated() {
      let middle = left + index * Self.cell.width + Self.cell.width / 2
      parts.append(text(middle, gridTop - 6, "\(rank)", anchor: "middle", fill: "#555555"))
      parts.append(text(x, gridTop + index * Self.cell.height + 16, labels[index], fill: "#333333"))
    }
    var bytes: [Int: Int] = [:]
    for message in panel.messages {
      bytes[message.sender << 16 | message.receiver, default: 0] += message.bytes
    }
    for (line, sender) in ranks.enumerated() {
      for (column, receiver) in ranks.enumerated() {
        let count = bytes[sender << 16 | receiver] ?? 0
        parts += cell(
          left + column * Self.cell.width, gridTop + line * Self.cell.height, count, isOwn: sender == receiver
        )
      }
    }
    parts += groupLines(left: left, top: gridTop)
    let bottom = gridTop + ranks.count * Self.cell.height + 20
    let verdict = panel.bytes == panel.formulaBytes ? "as the formula says" : "formula: \(panel.formulaBytes)"
    parts.append(
      text(
        left, bottom, "\(panel.messages.count) messages, \(panel.bytes) bytes, \(verdict)", fill: "#333333"))
    return parts
  }

  private func cell(_ x: Int, _ y: Int, _ bytes: Int, isOwn: Bool) -> [String] {
    let share = bytes == 0 ? 0 : 0.2 + 0.8 * Double(bytes) / most
    func channel(_ dark: Double) -> Int { Int(255 - share * (255 - dark)) }
    let fill =
      isOwn ? "#eeeeee" : "rgb(\(channel(31)),\(channel(111)),\(channel(180)))"
    let box =
      "<rect x=\"\(x)\" y=\"\(y)\" width=\"\(Self.cell.width)\" height=\"\(Self.cell.height)\" fill=\"\(fill)\" "
      + "stroke=\"#d0d0d0\"/>"
    guard bytes > 0 else { return [box] }
    let ink = share > 0.6 ? "#ffffff" : "#1a1a1a"
    return [
      box, text(x + Self.cell.width / 2, y + 16, "\(bytes)", size: 11, anchor: "middle", fill: ink),
    ]
  }

  /// Heavier lines between attention groups.
  private func groupLines(left: Int, top: Int) -> [String] {
    let width = ranks.count * Self.cell.width
    let height = ranks.count * Self.cell.height
    return ranks.indices.dropFirst().filter { index in
      plan.mesh.tokenIndex(of: ranks[index]) != plan.mesh.tokenIndex(of: ranks[index - 1])
    }.flatMap { index in
      let x = left + index * Self.cell.width
      let y = top + index * Self.cell.height
      return [
        "<path d=\"M\(x) \(top)v\(height)\" stroke=\"#333333\"/>",
        "<path d=\"M\(left) \(y)h\(width)\" stroke=\"#333333\"/>",
      ]
    }
  }

  private static func meaning(of panel: RecordedStep.Operation) -> String {
    switch panel.operation {
    case .embedding: "Looked-up rows, to all ranks of the group"
    case .attentionSum: "Roots of the summation tree, within each group"
    case .mlpRows: "Rows of groups that share an MLP"
    case .mlpSum: "Roots of the MLP's tree, back to the rows' ranks"
    case .sharedSum: "Roots of the shared expert's tree"
    case .expertRows: "All rows, to the other groups"
    case .expertDispatch: "Routed rows only, once to each owner in another group"
    case .expertResults: "Roots of each (row, slot), to all ranks that hold the row"
    case .head: "Best candidates, to each group's first rank"
    }
  }

  private func text(
    _ x: Int, _ y: Int, _ content: String, size: Int = 12, weight: String = "normal",
    anchor: String = "start", fill: String = "#1a1a1a"
  ) -> String {
    let escaped = content.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
    return
      "<text x=\"\(x)\" y=\"\(y)\" font-size=\"\(size)\" font-weight=\"\(weight)\" text-anchor=\"\(anchor)\" "
      + "fill=\"\(fill)\" xml:space=\"preserve\">\(escaped)</text>"
  }
}
