internal import Collectives
internal import Compute
internal import Layers
internal import Models
internal import Tensors
internal import Topology

/// Where the routed rows of the current MoE layer went: what `dispatch` hands to the way back.
///
/// `assignments[g]` lists, for the rows of token group g in (row, slot) order, the position of each result in
/// this rank's result buffer. The owner of the rows derives the same order from its own routing, so results
/// travel without indices.
struct DispatchReceipt {
  var assignments: [[Int32]]
}

/// Plans the exchanges of routed experts: who needs which rows, and where each result lies.
struct ExpertExchanges {
  private(set) var dispatch = TransferList()
  private(set) var results = TransferList()
  private(set) var receipt: DispatchReceipt

  private let program: RankProgram
  private let places: ExpertPlaces
  private let rowBytes: Int
  /// Expert ranges by expert index (attn_dp_expert major).
  private let blocks: [Range<Int>]
  private let blockOfExpert: [Int]
  private let prefersAllToAll: Bool
  private var indexInBlock: [Int] = []
  private var arrivals: [Arrival] = []
  /// Rows that lie here for the experts of this rank, by token group.
  private var localRows: [LocalRows] = []
  // Scratch, kept from layer to layer: assignments by local expert, own pairs by block, first floats by block and slice.
  private var nextOfExpert: [Int] = []
  private var blockCounts: [Int] = []
  private var bases: [Int] = []

  private struct LocalRows {
    var group: Int
    var range: Range<Int>
  }

  /// Where a twin's routed rows arrive.
  private struct Arrival {
    var group: Int
    var byteOffset: Int
  }

  init?(program: RankProgram) {
    guard let places = program.places.experts else { return nil }
    self.program = program
    self.places = places
    rowBytes = program.hiddenSize * 4
    let mesh = program.geometry.mesh
    blocks = program.geometry.plan.expertSplit(count: places.numExperts).ranges
    blockOfExpert = blocks.enumerated().flatMap { index, range in Array(repeating: index, count: range.count)
    }
    let sparse = program.geometry.plan.model.layers.compactMap { layer in
      if case .experts(let experts) = layer.feedForward { experts } else { nil }
    }
    let traffic = CollectiveTraffic(program.geometry.plan)
    prefersAllToAll = sparse.first.map { traffic.prefersAllToAll($0) } ?? true
    receipt = DispatchReceipt(
      assignments: Array(repeating: [], count: mesh.tokenOwners))
  }

  private var geometry: RankGeometry { program.geometry }
  private var k: Int { places.numChosen }

  /// Bytes of one routed row on the wire: its chosen experts, then its values.
  private var recordBytes: Int { (k + program.hiddenSize) * 4 }

  /// Whether rows of this step go to their experts' ranks only, instead of everywhere. All ranks of a replica
  /// decide alike: the expected bytes depend on model and mesh only.
  func usesAllToAll(_ mode: ExpertDispatchMode) -> Bool {
    switch mode {
    case .allToAll: return true
    case .allReduce: return false
    case .auto: return prefersAllToAll
    }
  }

  /// Fills `dispatch` with the rows that leave for, and arrive from, this rank's twins in the other token
  /// groups.
  mutating func planDispatch(rows: StepRows, allToAll: Bool, memory: StepMemory) {
    dispatch.removeAll()
    arrivals.removeAll(keepingCapacity: true)
    var record = places.routedRows.byteOffset
    for group in rows.groups where group != rows.ownGroup {
      let twin = geometry.tokenGroup.ranks[group]
      if allToAll {
        sendRoutedRows(to: twin, rows: rows.own, memory: memory)
        let capacity = rows.counts[group] * recordBytes
        dispatch.receive(from: twin, byteOffset: record, byteCount: capacity)
        arrivals.append(Arrival(group: group, byteOffset: record))
        record += capacity
      } else {
        dispatch.send(to: twin, byteOffset: program.places.normed.byteOffset, byteCount: rows.own * rowBytes)
        dispatch.send(to: twin, byteOffset: places.chosen.byteOffset, byteCount: rows.own * k * 4)
        dispatch.receive(
          from: twin, byteOffset: program.places.normed.byteOffset + rows.starts[group] * rowBytes,
          byteCount: rows.counts[group] * rowBytes)
        dispatch.receive(
          from: twin, byteOffset: places.chosen.byteOffset + rows.starts[group] * k * 4,
          byteCount: rows.counts[group] * k * 4)
      }
    }
    dispatch.finish(sizes: allToAll ? .upTo : .exact)
  }

  /// Only rows with a chosen expert on `twin`, each once; a frame goes out even when there is none.
  private mutating func sendRoutedRows(to twin: Int, rows: Int, memory: StepMemory) {
    guard rows > 0 else { return }
    let block = blocks[geometry.expertIndices[twin]]
    dispatch.announce(to: twin, byteOffset: places.chosen.byteOffset)
    memory.withInts(places.chosen, count: rows * k) { chosen in
      for row in 0..<rows where (row * k..<row * k + k).contains(where: { block.contains(Int(chosen[$0])) }) {
        dispatch.send(to: twin, byteOffset: places.chosen.byteOffset + row * k * 4, byteCount: k * 4)
        dispatch.send(
          to: twin, byteOffset: program.places.normed.byteOffset + row * rowBytes, byteCount: rowBytes)
      }
    }
  }

  /// Moves arrived records to where gathered rows lie, and notes the local rows of each token group.
  ///
  /// - Parameter receivedBytes: what came from the twin in each token group.
  mutating func placeRows(rows: StepRows, allToAll: Bool, receivedBytes: [Int], memory: StepMemory) {
    localRows.removeAll(keepingCapacity: true)
    localRows.append(LocalRows(group: rows.ownGroup, range: 0..<rows.own))
    guard allToAll else {
      for group in rows.groups where group != rows.ownGroup {
        let start = rows.starts[group]
        localRows.append(LocalRows(group: group, range: start..<start + rows.counts[group]))
      }
      return
    }
    for arrival in arrivals {
      let start = rows.starts[arrival.group]
      let count = rows.counts[arrival.group] > 0 ? receivedBytes[arrival.group] / recordBytes : 0
      for index in 0..<count {
        let record = Region(arena: .workspace, byteOffset: arrival.byteOffset + index * recordBytes)
        memory.move(floats: k, from: record, to: places.chosen.advanced(byFloats: (start + index) * k))
        memory.move(
          floats: program.hiddenSize, from: record.advanced(byFloats: k),
          to: program.places.normed.advanced(byFloats: (start + index) * program.hiddenSize))
      }
      localRows.append(LocalRows(group: arrival.group, range: start..<start + count))
    }
  }

  /// Sorts the assignments of local rows by expert: each row once per chosen expert that this rank holds.
  mutating func sortAssignments(memory: StepMemory, tables: StepTables) {
    var last = 0
    for rows in localRows { last = max(last, rows.range.upperBound) }
    tables.experts.routedRows = last
    memory.withInts(places.chosen, count: last * k) { chosen in
      sortAssignments(chosen: { chosen[$0] }, tables: tables)
    }
  }

  private mutating func sortAssignments(chosen: (Int) -> Int32, tables: StepTables) {
    nextOfExpert.reset(count: places.experts.count)
    for rows in localRows {
      for pair in rows.range.lowerBound * k..<rows.range.upperBound * k {
        let expert = Int(chosen(pair))
        if places.experts.contains(expert) { nextOfExpert[expert - places.experts.lowerBound] += 1 }
      }
    }
    tables.experts.starts.removeAll()
    var total = 0
    for expert in nextOfExpert.indices {
      let count = nextOfExpert[expert]
      tables.experts.starts.append(Int32(total))
      nextOfExpert[expert] = total
      total += count
    }
    tables.experts.starts.append(Int32(total))
    tables.experts.rowOfAssignment.fill(0, count: total)
    for index in receipt.assignments.indices { receipt.assignments[index].removeAll(keepingCapacity: true) }
    for rows in localRows {
      for pair in rows.range.lowerBound * k..<rows.range.upperBound * k {
        let expert = Int(chosen(pair))
        guard places.experts.contains(expert) else { continue }
        let local = expert - places.experts.lowerBound
        tables.experts.rowOfAssignment[nextOfExpert[local]] = Int32(pair / k)
        receipt.assignments[rows.group].append(Int32(nextOfExpert[local]))
        nextOfExpert[local] += 1
      }
    }
  }

  /// Plans the way back: results of other ranks' rows leave, results of own rows arrive and are listed per
  /// (row, slot).
  mutating func prepareResults(ownRows: Int, memory: StepMemory, tables: StepTables) {
    results.removeAll()
    planSends()
    memory.withInts(places.chosen, count: ownRows * k) { chosen in
      countBlocks(ownRows: ownRows, chosen: { chosen[$0] })
      planReceives()
      listResults(ownRows: ownRows, chosen: { chosen[$0] }, tables: tables)
    }
    results.finish()
  }

  private mutating func planSends() {
    let rootCount = places.sum.rootCounts[places.sum.ownIndex]
    for peer in geometry.replica where peer != geometry.rank {
      for position in receipt.assignments[geometry.tokenIndices[peer]] {
        for root in 0..<rootCount {
          results.send(
            to: peer,
            byteOffset: places.results.byteOffset + root * places.resultStride * 4 + Int(position) * rowBytes,
            byteCount: rowBytes)
        }
      }
    }
  }

  /// Own (row, slot) pairs per expert block; remembers the index of each pair within its block.
  private mutating func countBlocks(ownRows: Int, chosen: (Int) -> Int32) {
    blockCounts.reset(count: blocks.count)
    indexInBlock.removeAll(keepingCapacity: true)
    for pair in 0..<ownRows * k {
      let block = blockOfExpert[Int(chosen(pair))]
      indexInBlock.append(blockCounts[block])
      blockCounts[block] += 1
    }
  }

  private mutating func planReceives() {
    let slices = places.sum.members.count
    bases.reset(count: blocks.count * slices)
    var next = places.receivedResults.byteOffset / 4
    for peer in geometry.replica where peer != geometry.rank {
      let block = geometry.expertIndices[peer]
      let slice = geometry.mlpIndices[peer]
      let floats = blockCounts[block] * places.sum.rootCounts[slice] * program.hiddenSize
      bases[block * slices + slice] = next
      results.receive(from: peer, byteOffset: next * 4, byteCount: floats * 4)
      next += floats
    }
  }

  private func listResults(ownRows: Int, chosen: (Int) -> Int32, tables: StepTables) {
    let slices = places.sum.members.count
    let ownBlock = geometry.expertIndices[geometry.rank]
    let ownAssignments = receipt.assignments[geometry.tokenGroupIndex]
    tables.experts.resultPlaces.removeAll()
    tables.experts.resultStrides.removeAll()
    for pair in 0..<ownRows * k {
      let block = blockOfExpert[Int(chosen(pair))]
      let index = indexInBlock[pair]
      for slice in 0..<slices {
        if block == ownBlock && slice == places.sum.ownIndex {
          tables.experts.resultPlaces.append(
            places.results.byteOffset / 4 + Int(ownAssignments[index]) * program.hiddenSize)
          tables.experts.resultStrides.append(places.resultStride)
        } else {
          let rootCount = places.sum.rootCounts[slice]
          tables.experts.resultPlaces.append(
            bases[block * slices + slice] + index * rootCount * program.hiddenSize)
          tables.experts.resultStrides.append(program.hiddenSize)
        }
      }
    }
  }
}
