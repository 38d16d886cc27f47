import Topology

/// A mesh as a grid: a line per attention group (the ranks that share sequences), a column per place in it.
struct MeshPicture {
  private let mesh: Mesh

  /// Wider or longer meshes are described in words only.
  private static let maximumColumns = 16
  private static let maximumLines = 32

  init(_ mesh: Mesh) {
    self.mesh = mesh
  }

  var lines: [String] {
    let shape = mesh.shape
    let owners = shape.dp * mesh.tokenOwners
    let groups = "\(owners) attention group\(owners == 1 ? "" : "s") of \(mesh.attentionRanks)"
    guard mesh.attentionRanks <= Self.maximumColumns, owners <= Self.maximumLines else { return [groups] }
    var grid = TextTable(
      [groups] + mesh.attentionGroup(of: 0).ranks.map { columnName($0) },
      numeric: Set(1...mesh.attentionRanks))
    for group in mesh.groups(.attention) {
      grid.add([lineName(group.ranks[0])] + group.ranks.map { "rank \($0)" })
    }
    return grid.lines + notes
  }

  private func columnName(_ rank: Int) -> String { name(rank, [.expert, .model]) }

  private func lineName(_ rank: Int) -> String { name(rank, [.data, .attnDP, .attnDPExpert]) }

  private func name(_ rank: Int, _ axes: [MeshAxis]) -> String {
    let at = mesh.coordinates(of: rank)
    let parts = axes.filter { mesh.shape[$0] > 1 }.map { "\($0.rawValue) \(at[$0])" }
    return parts.isEmpty ? "-" : parts.joined(separator: ", ")
  }

  /// Whom rank 0 works with.
  private var notes: [String] {
    let kinds: [(MeshGroup, String)] = [
      (.head, "heads of the same tokens, in the order of heads"),
      (.token, "other tokens, same share of heads"),
      (.mlp, "shares of an MLP's or expert's width"), (.expert, "shares of the experts"),
    ]
    return kinds.compactMap { kind, text in
      let ranks = mesh.group(kind, of: 0).ranks
      return ranks.count > 1 ? "with rank 0, \(text): \(ranks.map(String.init).joined(separator: " "))" : nil
    }
  }
}
