import ModelConfigs
import Topology

extension MeshPlan {
  /// The plan as a page of text: the mesh, ranks, tensors, costs, exchanges and the predicted step.
  package var page: String {
    var lines = [
      "\(config.architecture) on \(mesh.worldSize) rank\(mesh.worldSize == 1 ? "" : "s"): \(mesh.shape)", "",
    ]
    lines += section("Mesh", MeshPicture(mesh).lines)
    lines += section("Ranks", rankTable)
    lines += section("Tensors", tensorTable)
    lines += section(
      "Padding and replication", costs.map { "\(ByteText.short($0.bytes)) \($0.unit.rawValue): \($0.reason)" }
    )
    lines += section("Exchanges in a step (payload of one replica)", collectiveTable)
    lines += section("Translation", translation.log.map(\.text))
    lines += section("Warnings", warnings)
    lines += section("Predicted step", predicted)
    return lines.joined(separator: "\n")
  }

  private func section(_ title: String, _ body: [String]) -> [String] {
    body.isEmpty ? [] : [title] + body.map { "  " + $0 } + [""]
  }

  private static let maximumRows = 64

  private var rankTable: [String] {
    var table = TextTable(
      [
        "rank", "coordinates", "q heads", "kv heads", "width columns", "experts", "vocabulary", "weights",
        "kv/token",
      ],
      numeric: [0, 7, 8])
    for plan in ranks.prefix(Self.maximumRows) {
      let at = mesh.coordinates(of: plan.rank)
      let place = MeshAxis.allCases.filter { mesh.shape[$0] > 1 }.map { "\($0.rawValue) \(at[$0])" }
      let width = config.moe?.intermediateSize ?? config.intermediateSize
      table.add([
        "\(plan.rank)", place.isEmpty ? "-" : place.joined(separator: ", "),
        span(shards.queryHeads(of: plan.rank, layer: 0)), span(shards.kvHeads(of: plan.rank, layer: 0)),
        span(shards.widthRange(of: plan.rank, width: width)),
        config.moe.map { span(shards.experts(of: plan.rank, count: $0.numExperts)) } ?? "-",
        span(shards.vocabulary(of: plan.rank)), ByteText.short(plan.weightBytes),
        ByteText.short(plan.kvBytesPerToken),
      ])
    }
    let hidden = ranks.count - Self.maximumRows
    return table.lines + (hidden > 0 ? ["... and \(hidden) more ranks"] : [])
  }

  private func span(_ range: Range<Int>) -> String {
    range.isEmpty
      ? "none" : range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound - 1)"
  }

  private var tensorTable: [String] {
    var table = TextTable(
      ["tensor", "layers", "shape", "split over", "local shape", "bytes/rank", "copies"], numeric: [5, 6])
    for tensor in tensors {
      let split = zip(tensor.tensor.dims, tensor.axes).filter { !$1.isEmpty }.map { dim, axes in
        "\(dim): \(axes.map(\.rawValue).joined(separator: " x "))"
      }
      let local = tensor.shape.indices.map { dim in
        let sizes = tensor.localShapes.map { $0[dim] }
        let (least, most) = (sizes.min() ?? 0, sizes.max() ?? 0)
        return least == most ? "\(most)" : "\(least)-\(most)"
      }
      table.add([
        tensor.name, tensor.layers.isEmpty ? "-" : Self.runs(tensor.layers),
        tensor.shape.map(String.init).joined(separator: " x "),
        split.isEmpty ? "-" : split.joined(separator: ", "),
        local.joined(separator: " x "), ByteText.short((tensor.localBytes.max() ?? 0) * tensor.count),
        ByteText.decimal(tensor.copies, 2),
      ])
    }
    return table.lines
  }

  private var collectiveTable: [String] {
    struct Kind: Hashable {
      var operation: String
      var groupSize: Int
      var bytes: Double
    }
    var layers: [Kind: [Int]] = [:]
    var order: [Kind] = []
    for collective in collectives {
      let kind = Kind(
        operation: collective.operation, groupSize: collective.groupSize, bytes: collective.bytesPerToken)
      if layers[kind] == nil { order.append(kind) }
      if case .layer(let layer) = collective.place {
        layers[kind, default: []].append(layer)
      } else {
        layers[kind] = []
      }
    }
    if order.isEmpty { return ["none: one rank has everything"] }
    var table = TextTable(["exchange", "layers", "ranks", "bytes/token", "bytes/step"], numeric: [2, 3, 4])
    let tokens = Double(options.sequencesPerGroup * mesh.tokenOwners)
    for kind in order {
      let places = layers[kind] ?? []
      table.add([
        kind.operation, places.isEmpty ? "-" : Self.runs(places), "\(kind.groupSize)",
        ByteText.short(kind.bytes),
        ByteText.short(kind.bytes * tokens * Double(max(1, places.count))),
      ])
    }
    return table.lines
  }

  private var predicted: [String] {
    let sequences = options.sequencesPerGroup * mesh.tokenOwners * mesh.shape.dp
    return [
      "\(ByteText.duration(seconds: stepTime.seconds)) for \(sequences) "
        + "sequence\(sequences == 1 ? "" : "s") with \(options.contextLength) tokens each: "
        + "\(ByteText.decimal(Double(sequences) / max(stepTime.seconds, 1e-12), 1)) tokens/s",
      "memory and arithmetic \(ByteText.duration(seconds: stepTime.computeSeconds)), waiting for the busiest rank "
        + "and for cores \(ByteText.duration(seconds: stepTime.imbalanceSeconds)), \(collectives.count) exchanges "
        + "\(ByteText.duration(seconds: stepTime.exchangeSeconds)), bytes on links "
        + "\(ByteText.duration(seconds: stepTime.transferSeconds)), between steps "
        + "\(ByteText.duration(seconds: stepTime.controlSeconds))",
    ]
  }

  /// Ascending numbers as runs: `0-3, 5`.
  static func runs(_ numbers: [Int]) -> String {
    var runs: [(first: Int, last: Int)] = []
    for number in numbers {
      if let last = runs.last, last.last + 1 == number {
        runs[runs.count - 1].last = number
      } else {
        runs.append((number, number))
      }
    }
    return runs.map { $0.first == $0.last ? "\($0.first)" : "\($0.first)-\($0.last)" }.joined(separator: ", ")
  }
}
