package import Parsing
internal import Topology

extension ClusterSimulation {
  /// A table with one line for each node count, and what was assumed.
  package var page: String {
    var table = TextTable(
      [
        "nodes", "ranks", "mesh", "sequences", "step", "compute", "wait", "exchanges", "bytes", "control",
        "tokens/s", "efficiency", "weights/node",
      ], numeric: [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    for row in rows {
      let time = row.plan.stepTime
      table.add([
        "\(row.nodes)", "\(row.plan.mesh.worldSize)", "\(row.plan.mesh.shape)", "\(row.sequences)",
        ByteText.duration(seconds: time.seconds), ByteText.duration(seconds: time.computeSeconds),
        ByteText.duration(seconds: time.imbalanceSeconds), ByteText.duration(seconds: time.exchangeSeconds),
        ByteText.duration(seconds: time.transferSeconds), ByteText.duration(seconds: time.controlSeconds),
        ByteText.decimal(row.tokensPerSecond, 1), "\(ByteText.decimal(efficiency(row) * 100, 0)) %",
        ByteText.short(row.weightBytesPerNode),
      ])
    }
    return (table.lines + [""] + assumptions.map { "- \($0)" }).joined(separator: "\n")
  }

  /// Tokens per second and node, against the first row.
  package func efficiency(_ row: Row) -> Double {
    guard let first = rows.first else { return 1 }
    return (row.tokensPerSecond / Double(row.nodes)) / (first.tokensPerSecond / Double(first.nodes))
  }

  /// What the figures stand on.
  package var assumptions: [String] {
    let machine = cluster.machine
    return [
      "predicted, not measured: one decode step with \(cluster.contextLength) tokens in each cache",
      "each node reads \(ByteText.decimal(machine.memoryBytesPerSecond / 1e9, 1)) GB/s and does "
        + "\(ByteText.decimal(machine.multiplyAddsPerSecond * 2 / 1e9, 0)) GFLOP/s, whichever takes longer",
      "an exchange takes \(ByteText.duration(seconds: machine.exchangeSeconds)) inside a node, "
        + "\(ByteText.duration(seconds: machine.sendSeconds)) to hand over each message, "
        + "\(ByteText.duration(seconds: machine.messageSeconds)) for each that has to queue, and a round trip of "
        + "\(ByteText.duration(seconds: machine.remoteRoundTripSeconds)) more between nodes; exchanges follow one "
        + "another and overlap with nothing",
      "an operation costs \(ByteText.duration(seconds: machine.operationSeconds)) beside what it reads; between steps "
        + "pass \(ByteText.duration(seconds: machine.controlSeconds)) and "
        + "\(ByteText.duration(seconds: machine.controlSecondsPerRank)) for each rank without a core",
      "routers choose every expert alike; a step waits for the rank whose experts were chosen most",
      "links carry \(ByteText.decimal(machine.linkBytesPerSecond / 1e9, 2)) GB/s out of each node, ranks of one "
        + "node \(ByteText.decimal(machine.localBytesPerSecond / 1e9, 2)) GB/s; an exchange whose groups span "
        + "nodes puts all its bytes on the links",
      cluster.degrees.isEmpty
        ? "the mesh of each line is the fastest predicted one of its size"
        : "the mesh is the given one",
    ]
  }

  /// `{"rows": [{"nodes", "mesh", "sequences", "step_s", "compute_s", "wait_s", "exchange_s", "transfer_s",
  /// "control_s", "tokens_per_s", "efficiency", "weight_bytes_per_node"}], "assumptions": [..]}`
  package var json: JSONValue {
    let documents = rows.map { row -> JSONValue in
      let time = row.plan.stepTime
      return [
        "nodes": .integer(Int64(row.nodes)), "mesh": row.plan.mesh.shape.json,
        "sequences": .integer(Int64(row.sequences)), "step_s": .number(time.seconds),
        "compute_s": .number(time.computeSeconds), "wait_s": .number(time.imbalanceSeconds),
        "exchange_s": .number(time.exchangeSeconds),
        "transfer_s": .number(time.transferSeconds), "control_s": .number(time.controlSeconds),
        "tokens_per_s": .number(row.tokensPerSecond),
        "efficiency": .number(efficiency(row)),
        "weight_bytes_per_node": .integer(Int64(row.weightBytesPerNode)),
      ]
    }
    return ["rows": .array(documents), "assumptions": .array(assumptions.map { .string($0) })]
  }
}
