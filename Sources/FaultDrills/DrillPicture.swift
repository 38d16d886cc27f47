/// What happened when, as SVG: the tokens of all requests above, and a lane for each rank below.
struct DrillPicture {
  let ranks: Int
  let outcome: DrillOutcome

  private let left = 74.0
  private let width = 860.0
  private let top = 96.0
  private let lane = 40.0
  private let tokenHeight = 52.0

  private var height: Double { top + lane * Double(ranks) + 34 }
  private var scale: Double { width / max(1, outcome.milliseconds) }

  private func x(_ milliseconds: Double) -> Double {
    left + min(max(milliseconds, 0), max(1, outcome.milliseconds)) * scale
  }

  private func number(_ value: Double) -> String { DrillReport.decimal(value) }

  var svg: String {
    "<svg viewBox='0 0 \(number(left + width + 16)) \(number(height))' role='img' aria-label='What happened when'>"
      + axis + tokens + lanes + bars + labels + "</svg>"
      + "<p class='key'>Above: tokens of all requests, by time. Below, each rank: "
      + "<span style='background:#d7ead9'></span>works <span style='background:#c5372c'></span>broken, not yet noticed "
      + "<span style='background:#e8a33d'></span>noticed, until the streams go on "
      + "<span style='background:#7b6fb0'></span>broken and lived with.</p>"
  }

  private var axis: String {
    (0...6).map { part in
      let moment = outcome.milliseconds * Double(part) / 6
      let anchor = part == 0 ? "start" : part == 6 ? "end" : "middle"
      return "<line x1='\(number(x(moment)))' x2='\(number(x(moment)))' y1='24' y2='\(number(height - 26))' "
        + "stroke='#e4e4e4'/><text x='\(number(x(moment)))' y='\(number(height - 8))' font-size='12' "
        + "text-anchor='\(anchor)' fill='#555'>\(number(moment)) ms</text>"
    }.joined()
  }

  /// Tokens of each slice of time, as columns.
  private var tokens: String {
    let slices = 172
    var counts = Array(repeating: 0, count: slices)
    for moment in outcome.tokenMoments {
      let part = moment / max(1, outcome.milliseconds)
      counts[min(slices - 1, max(0, Int(part * Double(slices))))] += 1
    }
    let most = Double(max(1, counts.max() ?? 1))
    let bottom = 24 + tokenHeight
    let columns = counts.indices.filter { counts[$0] > 0 }.map { index in
      let tall = tokenHeight * Double(counts[index]) / most
      return
        "<rect x='\(number(left + width * Double(index) / Double(slices)))' y='\(number(bottom - tall))' "
        + "width='\(number(width / Double(slices) - 0.6))' height='\(number(tall))' fill='#4a7fb5'/>"
    }
    return "<text x='0' y='\(number(bottom - 4))' font-size='13'>tokens</text>" + columns.joined()
  }

  private func laneTop(_ rank: Int) -> Double { top + lane * Double(rank) }

  private var lanes: String {
    (0..<ranks).map { rank in
      "<text x='0' y='\(number(laneTop(rank) + 27))' font-size='13'>rank \(rank)</text>"
        + "<rect x='\(number(left))' y='\(number(laneTop(rank) + 14))' width='\(number(width))' height='18' "
        + "fill='#d7ead9'/>"
    }.joined()
  }

  private func lanesOf(_ fault: Fault) -> [Int] {
    fault.target == .everywhere ? Array(0..<ranks) : fault.target.ranks
  }

  /// A red bar from the fault to its detection, an amber one until the streams go on. What is lived with lies below
  /// and is thin, so that it hides nothing.
  private var bars: String {
    var parts: [String] = []
    let lived = outcome.faults.filter { $0.detected == nil || $0.fault.kind.isVisitor }
    let noticed = outcome.faults.filter { $0.detected != nil && !$0.fault.kind.isVisitor }
    for times in lived + noticed {
      guard let injected = times.injected else { continue }
      for rank in lanesOf(times.fault) where rank < ranks {
        func bar(_ from: Double, _ to: Double, _ color: String, _ title: String, thin: Bool = false) {
          parts.append(
            "<rect x='\(number(x(from)))' y='\(number(laneTop(rank) + (thin ? 26 : 14)))' "
              + "width='\(number(max(2.5, x(to) - x(from))))' height='\(thin ? 6 : 18)' fill='\(color)'>"
              + "<title>\(DrillReport.escaped(title))</title></rect>")
        }
        let name = times.fault.kind.rawValue
        if let detected = times.detected, !times.fault.kind.isVisitor {
          bar(injected, detected, "#c5372c", "\(name), not noticed for \(number(detected - injected)) ms")
          let end = times.recovered ?? outcome.milliseconds
          bar(detected, end, "#e8a33d", "the streams went on after \(number(end - detected)) ms")
        } else {
          let length =
            times.fault.milliseconds.map { Double($0) } ?? (times.fault.kind.isLink ? .infinity : 0)
          bar(
            injected, min(injected + length, outcome.milliseconds), "#7b6fb0", "\(name), lived with",
            thin: true)
        }
      }
    }
    return parts.joined()
  }

  /// Names of faults, side by side where they would lie on each other.
  private var labels: String {
    var ends = Array(repeating: -1.0, count: ranks)
    var parts: [String] = []
    let known = outcome.faults.filter { $0.injected != nil }.sorted {
      ($0.injected ?? 0) < ($1.injected ?? 0)
    }
    for times in known {
      for rank in lanesOf(times.fault) where rank < ranks {
        let length = Double(times.fault.kind.rawValue.count) * 6.6 + 6
        let place = min(max(x(times.injected ?? 0), ends[rank]), left + width - length)
        ends[rank] = place + length
        parts.append(
          "<text x='\(number(place))' y='\(number(laneTop(rank) + 11))' font-size='11'>"
            + "\(times.fault.kind.rawValue)</text>"
        )
      }
    }
    return parts.joined()
  }
}
