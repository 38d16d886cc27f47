package import Parsing
internal import Presentation
internal import Topology

/// The rows of `bench scale` as a table, a document and a page.
package struct ScaleReport: Sendable {
  package var model: String
  package var format: String
  package var transport: String
  package var promptTokens: Int
  package var generatedTokens: Int
  package var rows: [ScaleRow]
  /// What this machine is, one line each.
  package var machine: [String]
  /// What the predictions stand on.
  package var assumptions: [String]

  package init(
    model: String, format: String, transport: String, promptTokens: Int, generatedTokens: Int,
    rows: [ScaleRow], machine: [String], assumptions: [String]
  ) {
    self.model = model
    self.format = format
    self.transport = transport
    self.promptTokens = promptTokens
    self.generatedTokens = generatedTokens
    self.rows = rows
    self.machine = machine
    self.assumptions = assumptions
  }

  private var titles: [String] {
    let measured = [
      "mesh", "ranks", "threads", "tokens/s", "+/-", "efficiency", "per token", "compute", "wait", "wire",
      "serialise", "control", "bytes/token", "tokens equal",
    ]
    return hasPredictions ? measured + ["predicted", "error", "term most off"] : measured
  }

  private var hasPredictions: Bool { rows.contains { $0.prediction != nil } }

  private func cells(_ row: ScaleRow) -> [String] {
    var cells = [
      "\(row.mesh)", "\(row.mesh.worldSize)", "\(row.threadsPerWorker)",
      Numbers.threeDigits(row.median), Numbers.threeDigits(row.spread),
      Numbers.decimal(row.efficiency(against: rows[0]) * 100, digits: 0) + " %",
      Numbers.duration(seconds: row.secondsPerToken),
    ]
    cells += LatencySplit.terms.map { term in
      row.split.map { Numbers.duration(seconds: $0[keyPath: term.value]) } ?? "-"
    }
    cells += [
      row.bytesPerToken.map { Numbers.decimal($0, digits: 0) } ?? "-", row.equalsFirst ? "yes" : "NO",
    ]
    guard hasPredictions else { return cells }
    guard let prediction = row.prediction else { return cells + ["-", "-", "-"] }
    return cells + [
      Numbers.duration(seconds: prediction.seconds), Self.signed(row.predictionError ?? 0),
      row.worstTerm.map { "\($0.name) \(Self.signedDuration($0.difference))" } ?? "-",
    ]
  }

  /// A Markdown table.
  package var text: String {
    var table = Table(titles.enumerated().map { ($1, $0 == 0 ? .left : .right) })
    for row in rows { table.add(cells(row)) }
    return table.text
  }

  /// A page that needs nothing beside itself.
  package var html: String {
    var page = HTMLPage(title: "Scale-out decode of \(model), \(format)")
    page.paragraph(summary)
    page.heading("Tokens per second and parallel efficiency")
    page.picture(throughput.svg)
    page.paragraph(
      "Bars are the median of the runs. Efficiency is tokens per second and busy core, against the first mesh."
    )
    page.heading(
      hasPredictions ? "Where the time of a token goes, and the prediction" : "Where the time goes")
    page.picture(latency.svg)
    page.list(LatencySplit.terms.map { "\($0.name): \($0.meaning)" })
    page.heading("Figures")
    page.table(titles, rows.map(cells))
    page.heading("Machine")
    page.list(machine)
    if !assumptions.isEmpty {
      page.heading("What the predictions stand on")
      page.list(assumptions)
    }
    return page.text
  }

  private var summary: String {
    let batch = rows.first?.batch ?? 1
    let equal = rows.allSatisfy(\.equalsFirst)
    var text =
      "\(rows.count) meshes over \(transport), \(batch) sequence\(batch == 1 ? "" : "s"), \(promptTokens) prompt "
      + "tokens and \(generatedTokens) generated ones each. "
    text += equal ? "Every mesh gave the same tokens." : "The meshes did NOT all give the same tokens."
    let errors = rows.compactMap(\.predictionError).map(\.magnitude)
    if let most = errors.max() {
      let within = errors.count { $0 <= 0.15 }
      text +=
        " Predicted within 15 % of the measured time per token: \(within) of \(errors.count) meshes; the largest "
        + "error is \(Numbers.decimal(most * 100, digits: 0)) %."
    }
    return text
  }

  private var throughput: BarChart {
    BarChart(
      title: "Tokens per second by mesh", parts: [BarChart.Part("tokens/s", color: "#1f6fb4")],
      groups: rows.map { row in
        let efficiency = Numbers.decimal(row.efficiency(against: rows[0]) * 100, digits: 0)
        return BarChart.Group(
          "\(row.mesh)",
          [
            BarChart.Bar(
              "", values: [row.median],
              note: "\(Numbers.threeDigits(row.median)) tokens/s, efficiency \(efficiency) %")
          ])
      }, format: { Numbers.threeDigits($0) })
  }

  private var latency: BarChart {
    BarChart(
      title: "Time of a decode step by mesh and term",
      parts: LatencySplit.terms.map { BarChart.Part($0.name, color: $0.color) },
      groups: rows.map { row in
        var bars: [BarChart.Bar] = []
        if let split = row.split {
          bars.append(
            BarChart.Bar(
              "measured", values: LatencySplit.terms.map { split[keyPath: $0.value] },
              note: Numbers.duration(seconds: split.seconds)))
        }
        if let prediction = row.prediction {
          bars.append(
            BarChart.Bar(
              "predicted", values: LatencySplit.terms.map { prediction[keyPath: $0.value] },
              note:
                "\(Numbers.duration(seconds: prediction.seconds)), \(Self.signed(row.predictionError ?? 0))",
              isPale: true))
        }
        return BarChart.Group("\(row.mesh)", bars)
      }, format: { Numbers.duration(seconds: $0) })
  }

  private static func signed(_ share: Double) -> String {
    (share >= 0 ? "+" : "") + Numbers.decimal(share * 100, digits: 0) + " %"
  }

  private static func signedDuration(_ seconds: Double) -> String {
    (seconds >= 0 ? "+" : "-") + Numbers.duration(seconds: seconds.magnitude)
  }

  /// `{"rows": [..], "machine": [..], "assumptions": [..]}`; rows are such that `bench compare` matches them.
  package var json: JSONValue {
    [
      "rows": .array(rows.map(document)), "machine": .array(machine.map { .string($0) }),
      "assumptions": .array(assumptions.map { .string($0) }),
    ]
  }

  private func document(_ row: ScaleRow) -> JSONValue {
    let split = row.split.map { split in
      JSONValue.object(JSONObject(Self.seconds(split)))
    }
    let predicted = row.prediction.map { JSONValue.object(JSONObject(Self.seconds($0))) }
    return [
      "test": "scale", "model": .string(model), "quantization": .string(format),
      "mesh": .string("\(row.mesh)"),
      "transport": .string(transport), "ranks": .integer(Int64(row.mesh.worldSize)),
      "threads": .integer(Int64(row.threadsPerWorker)), "batch": .integer(Int64(row.batch)),
      "cores": .integer(Int64(row.cores)), "size_bytes": .integer(Int64(row.weightBytes)),
      "avg_tokens_per_s": .number(row.median),
      "samples_tokens_per_s": .array(row.samples.map { .number($0) }),
      "recorded_tokens_per_s": .number(row.recordedTokensPerSecond),
      "efficiency": .number(row.efficiency(against: rows[0])),
      "seconds_per_token": .number(row.secondsPerToken), "split_s": split ?? .null,
      "bytes_per_token": row.bytesPerToken.map { .number($0) } ?? .null,
      "tokens_equal": .bool(row.equalsFirst), "predicted_s": predicted ?? .null,
      "prediction_error": row.predictionError.map { .number($0) } ?? .null,
      "term_most_off": row.worstTerm.map { .string($0.name) } ?? .null,
    ]
  }

  private static func seconds(_ split: LatencySplit) -> [(key: String, value: JSONValue)] {
    LatencySplit.terms.map { (key: $0.name, value: .number(split[keyPath: $0.value])) }
      + [(key: "total", value: .number(split.seconds))]
  }
}
