internal import Collectives
internal import Compute
internal import Layers
internal import Models
internal import Tensors
internal import Topology

/// The exchanges whose sizes follow from the step plan alone; they are the same in every layer.
struct DenseExchanges {
  private(set) var embeddings = TransferList()
  private(set) var attentionSum = TransferList()
  private(set) var mlpSum = TransferList()
  private(set) var sharedSum = TransferList()
  private(set) var gatherRows = TransferList()

  private let program: RankProgram
  private let rowBytes: Int
  // Scratch of `prepareEmbeddings`: own rows by member, the next row of each member, the owner of each row.
  private var counts: [Int] = []
  private var firstRow: [Int] = []
  private var owners: [Int] = []

  init(program: RankProgram) {
    self.program = program
    rowBytes = program.hiddenSize * 4
  }

  private var geometry: RankGeometry { program.geometry }

  /// Recomputes all plans and the root tables for a step with `rows`.
  mutating func prepare(rows: StepRows, tables: StepTables) {
    prepareEmbeddings(rows: rows, tables: tables)
    if let sum = program.places.attentionSum {
      Self.prepareSum(sum, program, into: &attentionSum, places: &tables.attentionSum, rows: rows)
    }
    if let sum = program.places.mlpSum {
      Self.prepareSum(sum, program, into: &mlpSum, places: &tables.mlpSum, rows: rows)
    }
    if let sum = program.places.sharedSum {
      Self.prepareSum(sum, program, into: &sharedSum, places: &tables.sharedSum, rows: rows)
    }
    prepareGather(rows: rows)
    embeddings.finish()
    attentionSum.finish()
    mlpSum.finish()
    sharedSum.finish()
    gatherRows.finish()
  }

  /// Own looked-up rows lie first in the staging area, then those of each peer; a row's owner follows from
  /// its token.
  private mutating func prepareEmbeddings(rows: StepRows, tables: StepTables) {
    embeddings.removeAll()
    tables.embeddedTokens.removeAll()
    tables.embeddingSource.removeAll()
    guard let staging = program.places.embeddings else { return }
    let group = geometry.attentionGroup.ranks
    counts.reset(count: group.count)
    firstRow.reset(count: group.count)
    owners.removeAll(keepingCapacity: true)
    for row in 0..<rows.own {
      let token = Int(tables.tokens[row])
      let owner = geometry.vocabularySlices.firstIndex { $0.contains(token) } ?? 0
      counts[owner] += 1
      owners.append(owner)
    }
    var next = counts[geometry.attentionPlace]
    let ownBytes = next * rowBytes
    for (index, peer) in group.enumerated() where peer != geometry.rank {
      firstRow[index] = next
      embeddings.receive(
        from: peer, byteOffset: staging.byteOffset + next * rowBytes, byteCount: counts[index] * rowBytes)
      embeddings.send(to: peer, byteOffset: staging.byteOffset, byteCount: ownBytes)
      next += counts[index]
    }
    for (row, owner) in owners.enumerated() {
      if group[owner] == geometry.rank {
        tables.embeddedTokens.append(tables.tokens[row] - Int32(geometry.vocabulary.lowerBound))
      }
      tables.embeddingSource.append(staging.byteOffset / 4 + firstRow[owner] * program.hiddenSize)
      firstRow[owner] += 1
    }
  }

  /// Each member gets this rank's roots of its own group's rows; everybody's roots of own rows are listed in
  /// tree order.
  ///
  /// Static, because a copy of this value would share the list's memory and make filling it copy that.
  private static func prepareSum(
    _ sum: SumGeometry, _ program: RankProgram, into plan: inout TransferList,
    places tables: inout SumTables, rows: StepRows
  ) {
    let geometry = program.geometry
    let rowBytes = program.hiddenSize * 4
    plan.removeAll()
    tables.places.removeAll()
    tables.completion.removeAll()
    guard let roots = program.places.roots, let received = program.places.receivedRoots else { return }
    let ownRootCount = sum.rootCounts[sum.ownIndex]
    var receivedFloats = received.byteOffset / 4
    for (index, member) in sum.members.enumerated() {
      let rootCount = sum.rootCounts[index]
      if member == geometry.rank {
        for root in 0..<rootCount {
          tables.places.append(roots.byteOffset / 4 + root * program.places.rootStride)
        }
        continue
      }
      let group = geometry.tokenIndices[member]
      for root in 0..<ownRootCount {
        plan.send(
          to: member,
          byteOffset: roots.byteOffset + root * program.places.rootStride * 4 + rows.starts[group] * rowBytes,
          byteCount: rows.counts[group] * rowBytes)
      }
      plan.receive(from: member, byteOffset: receivedFloats * 4, byteCount: rootCount * rows.own * rowBytes)
      for root in 0..<rootCount {
        tables.places.append(receivedFloats + root * rows.own * program.hiddenSize)
      }
      receivedFloats += rootCount * rows.own * program.hiddenSize
    }
    for count in sum.completion { tables.completion.append(count) }
  }

  /// Normed rows of the groups that share this rank's dense MLP, from its twins there.
  private mutating func prepareGather(rows: StepRows) {
    gatherRows.removeAll()
    let normed = program.places.normed.byteOffset
    for group in rows.groups.prefix(geometry.mlpGroupCount) where group != rows.ownGroup {
      let twin = geometry.tokenGroup.ranks[group]
      gatherRows.send(to: twin, byteOffset: normed, byteCount: rows.own * rowBytes)
      gatherRows.receive(
        from: twin, byteOffset: normed + rows.starts[group] * rowBytes,
        byteCount: rows.counts[group] * rowBytes)
    }
  }
}

extension [Int] {
  /// Makes this `count` zeros, in the memory that it has.
  mutating func reset(count: Int) {
    removeAll(keepingCapacity: true)
    for _ in 0..<count { append(0) }
  }
}
