/// What each rank of a mesh owns of a model. Shares are contiguous, as even as whole units allow, and may be
/// empty. With a balance they are as near to each rank's weight as whole units allow; results stay the same.
///
/// Units: query heads (whole), leaves of a contraction (so that every mesh adds the same numbers in the same
/// order), experts, and blocks of `vocabularyBlock` rows.
package struct ShardPlan: Sendable, Hashable {
  package let model: ModelDimensions
  package let mesh: Mesh
  /// Weight of each rank, such as the bandwidth of its node; empty: all alike.
  package let balance: [Double]

  /// Rows of the vocabulary that stay together: the rows that a kernel computes side by side.
  package static let vocabularyBlock = 16

  /// Throws every reason why the mesh cannot hold the model, with the nearest mesh that can.
  package init(model: ModelDimensions, mesh: Mesh, balance: [Double] = []) throws(MeshError) {
    var sentences = Self.violations(model: model, shape: mesh.shape)
    if !balance.isEmpty, balance.count != mesh.worldSize {
      sentences.append(
        "The balance has \(balance.count) weights, but the mesh \(mesh.worldSize) ranks: give one for each rank."
      )
    }
    if let wrong = balance.first(where: { !($0 > 0 && $0 <= 1e12) }) {
      sentences.append("The balance has a weight of \(wrong); give numbers above 0 and at most 1e12.")
    }
    if !sentences.isEmpty { throw MeshError(sentences: sentences) }
    self.model = model
    self.mesh = mesh
    self.balance = balance
  }

  /// Splits `count` units over the parts of a group kind. A part's weight is that of all ranks that hold it.
  private func split(
    _ count: Int, parts: Int, least: Int = 0, part: (Int) -> Int
  ) -> LeafSplit {
    guard !balance.isEmpty else { return LeafSplit(count: count, parts: parts) }
    var weights = [Double](repeating: 0, count: parts)
    for rank in mesh.ranks { weights[part(rank)] += balance[rank] }
    return LeafSplit(count: count, weights: weights, least: least)
  }

  // MARK: Attention

  /// How the query heads of `layer` are split; share `i` belongs to the i-th rank of a head group.
  package func headSplit(layer: Int) -> LeafSplit {
    headSplit(count: model.layers[layer].attention.numQueryHeads)
  }

  /// The same for any number of heads.
  package func headSplit(count: Int) -> LeafSplit {
    split(count, parts: mesh.attentionRanks, least: 1) { mesh.attentionIndex(of: $0) }
  }

  /// The query heads that `rank` computes; each is one leaf of the attention output's sum.
  package func queryHeads(of rank: Int, layer: Int) -> Range<Int> {
    headSplit(layer: layer).range(of: mesh.attentionIndex(of: rank))
  }

  /// The KV heads that `rank` computes and caches: those that its query heads read. Ranks of one group may
  /// hold the same head.
  package func kvHeads(of rank: Int, layer: Int) -> Range<Int> {
    let attention = model.layers[layer].attention
    let heads = queryHeads(of: rank, layer: layer)
    guard let last = heads.last else { return 0..<0 }
    let sharing = attention.numQueryHeads / attention.numKVHeads
    return heads.lowerBound / sharing..<last / sharing + 1
  }

  /// The tree over query heads with which attention outputs are added.
  package func attentionTree(layer: Int) -> CanonicalTree {
    CanonicalTree(leafCount: model.layers[layer].attention.numQueryHeads)
  }

  // MARK: Feed-forward

  /// The leaves of a down projection from `width` elements.
  package func leaves(width: Int) -> ContractionLeaves {
    ContractionLeaves(extent: width, granule: model.granule)
  }

  /// How the leaves of a width are split; share `i` belongs to the i-th rank of an MLP group.
  package func widthSplit(width: Int) -> LeafSplit { widthSplit(leaves: leaves(width: width).count) }

  /// The same for any number of leaves.
  package func widthSplit(leaves: Int) -> LeafSplit {
    split(leaves, parts: mesh.mlpRanks) { mesh.mlpIndex(of: $0) }
  }

  /// The leaves that `rank` owns of an MLP or an expert that is `width` elements wide.
  package func widthLeaves(of rank: Int, width: Int) -> Range<Int> {
    widthSplit(width: width).range(of: mesh.mlpIndex(of: rank))
  }

  /// The same share in elements.
  package func widthRange(of rank: Int, width: Int) -> Range<Int> {
    leaves(width: width).range(ofLeaves: widthLeaves(of: rank, width: width))
  }

  /// How `count` experts are split; share `i` belongs to the i-th rank of an expert group.
  package func expertSplit(count: Int) -> LeafSplit {
    split(count, parts: mesh.expertRanks, least: 1) { mesh.expertIndex(of: $0) }
  }

  /// The experts that `rank` owns of `count`.
  package func experts(of rank: Int, count: Int) -> Range<Int> {
    expertSplit(count: count).range(of: mesh.expertIndex(of: rank))
  }

  // MARK: Vocabulary

  /// How the blocks of the vocabulary are split; share `i` belongs to the i-th rank of an attention group.
  package var vocabularySplit: LeafSplit {
    let blocks = (model.vocabularySize - 1) / Self.vocabularyBlock + 1
    return split(blocks, parts: mesh.attentionRanks) { mesh.vocabularyIndex(of: $0) }
  }

  /// The embedding rows and head columns that `rank` owns.
  package func vocabulary(of rank: Int) -> Range<Int> {
    let blocks = vocabularySplit.range(of: mesh.vocabularyIndex(of: rank))
    let first = min(blocks.lowerBound * Self.vocabularyBlock, model.vocabularySize)
    return first..<min(blocks.upperBound * Self.vocabularyBlock, model.vocabularySize)
  }
}
