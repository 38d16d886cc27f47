/// Who is where: ranks and coordinates of a shape. Rank 0 has all coordinates 0; `model` varies fastest.
package struct Mesh: Sendable, Hashable {
  package let shape: MeshShape

  package init(_ shape: MeshShape) {
    self.shape = shape
  }

  package static let single = Mesh(.single)

  package var worldSize: Int { shape.worldSize }

  /// All ranks, ascending.
  package var ranks: Range<Int> { 0..<worldSize }

  /// Where `rank` sits on every axis.
  package func coordinates(of rank: Int) -> MeshCoordinates {
    precondition(ranks.contains(rank), "rank \(rank) is not on a mesh of \(worldSize) ranks")
    var rest = rank
    var coordinates = MeshCoordinates()
    for axis in MeshAxis.allCases.reversed() {
      coordinates[axis] = rest % shape[axis]
      rest /= shape[axis]
    }
    return coordinates
  }

  /// The rank at `coordinates`.
  package func rank(at coordinates: MeshCoordinates) -> Int {
    MeshAxis.allCases.reduce(0) { rank, axis in
      let position = coordinates[axis]
      precondition(
        (0..<shape[axis]).contains(position), "\(axis.rawValue) \(position) is outside 0..<\(shape[axis])")
      return rank * shape[axis] + position
    }
  }

  /// The share that `rank` has of something split over `axes`, major axis first: 0 ..< `shape.size(over:
  /// axes)`.
  package func index(of rank: Int, over axes: [MeshAxis]) -> Int {
    let coordinates = coordinates(of: rank)
    return axes.reduce(0) { $0 * shape[$1] + coordinates[$1] }
  }

  /// The ranks that differ from `rank` on `axes` only, ordered by `index(of:over:)`; cost linear in the
  /// group.
  package func group(of rank: Int, over axes: [MeshAxis]) -> RankGroup {
    var coordinates = coordinates(of: rank)
    let ranks = (0..<shape.size(over: axes)).map { index in
      var rest = index
      for axis in axes.reversed() {
        coordinates[axis] = rest % shape[axis]
        rest /= shape[axis]
      }
      return self.rank(at: coordinates)
    }
    return RankGroup(ranks: ranks)
  }

  /// All groups over `axes`, by their first rank; together they hold every rank once.
  package func groups(over axes: [MeshAxis]) -> [RankGroup] {
    ranks.filter { index(of: $0, over: axes) == 0 }.map { group(of: $0, over: axes) }
  }
}

/// One position per axis, each from 0.
package struct MeshCoordinates: Sendable, Hashable {
  package var data = 0
  package var attnDP = 0
  package var attnDPExpert = 0
  package var expert = 0
  package var model = 0

  package init(data: Int = 0, attnDP: Int = 0, attnDPExpert: Int = 0, expert: Int = 0, model: Int = 0) {
    self.data = data
    self.attnDP = attnDP
    self.attnDPExpert = attnDPExpert
    self.expert = expert
    self.model = model
  }

  package subscript(_ axis: MeshAxis) -> Int {
    get {
      switch axis {
      case .data: data
      case .attnDP: attnDP
      case .attnDPExpert: attnDPExpert
      case .expert: expert
      case .model: model
      }
    }
    set {
      switch axis {
      case .data: data = newValue
      case .attnDP: attnDP = newValue
      case .attnDPExpert: attnDPExpert = newValue
      case .expert: expert = newValue
      case .model: model = newValue
      }
    }
  }
}
