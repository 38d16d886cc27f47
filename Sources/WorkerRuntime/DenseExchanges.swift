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

  init(program: RankProgram) {
    self.program = program
    rowBytes = program.hiddenSize * 4
  }

  private var geometry: RankGeometry { program.geometry }

  /// Recomputes all plans and the root tables for a step with `rows`.
  mutating func prepare(rows: StepRows, tables: StepTables) {
    prepareEmbeddings(rows: rows, tables: tables)
    if let sum = program.places.attentionSum {
      prepareSum(sum, into: &attentionSum, places: &tables.attentionSum, rows: rows)
    }
    if let sum = program.places.mlpSum { prepareSum(sum, into: &mlpSum, places: &tables.mlpSum, rows: rows) }
    if let sum = program.places.sharedSum {
      prepareSum(sum, into: &sharedSum, places: &tables.sharedSum, rows: rows)
    }
    prepareGather(rows: rows)
  }

  /// Own looked-up rows lie first in the staging area, then those of each peer; a row's owner follows from
  /// its token.
  private mutating func prepareEmbeddings(rows: StepRows, tables: StepTables) {
    embeddings.removeAll()
    tables.embeddedTokens.removeAll()
    tables.embeddingSource.removeAll()
    guard let staging = program.places.embeddings else { return }
    let group = geometry.attentionGroup.ranks
    let slices = group.map { geometry.plan.vocabulary(of: $0) }
    var counts = Array(repeating: 0, count: group.count)
    let owners = (0..<rows.own).map { row in
      let token = Int(tables.tokens[row])
      let owner = slices.firstIndex { $0.contains(token) } ?? 0
      counts[owner] += 1
      return owner
    }
    var firstRow = Array(repeating: 0, count: group.count)
    var next = counts[geometry.attentionGroup.index(of: geometry.rank) ?? 0]
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
  private func prepareSum(
    _ sum: SumGeometry, into plan: inout TransferList, places tables: inout SumTables, rows: StepRows
  ) {
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
      let group = geometry.mesh.tokenIndex(of: member)
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
