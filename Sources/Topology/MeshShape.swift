/// The degrees of the five axes; their product is the number of ranks.
package struct MeshShape: Sendable, Hashable {
  package let dp: Int
  package let attnDP: Int
  package let attnDPExpert: Int
  package let ep: Int
  package let tp: Int

  /// The most ranks that one run may have: far above any host file, low enough that tables per rank stay
  /// small.
  package static let maximumWorldSize = 4096

  /// One rank that holds everything.
  package static let single = MeshShape()

  private init() {
    (dp, attnDP, attnDPExpert, ep, tp) = (1, 1, 1, 1, 1)
  }

  /// Checks every degree and the world size; throws all violated rules at once.
  package init(dp: Int = 1, attnDP: Int = 1, attnDPExpert: Int = 1, ep: Int = 1, tp: Int = 1)
    throws(MeshError)
  {
    let degrees = [dp, attnDP, attnDPExpert, ep, tp]
    let sentences = Self.violations(degrees)
    if !sentences.isEmpty { throw MeshError(sentences: sentences) }
    (self.dp, self.attnDP, self.attnDPExpert, self.ep, self.tp) = (dp, attnDP, attnDPExpert, ep, tp)
  }

  /// Degrees in the order of `MeshAxis.allCases`.
  package var degrees: [Int] { [dp, attnDP, attnDPExpert, ep, tp] }

  /// The number of ranks along `axis`.
  package subscript(_ axis: MeshAxis) -> Int {
    switch axis {
    case .data: dp
    case .attnDP: attnDP
    case .attnDPExpert: attnDPExpert
    case .expert: ep
    case .model: tp
    }
  }

  /// The number of ranks over several axes together.
  package func size(over axes: [MeshAxis]) -> Int { axes.reduce(1) { $0 * self[$1] } }

  /// The number of ranks in all.
  package var worldSize: Int { size(over: MeshAxis.allCases) }
}

extension MeshShape: CustomStringConvertible {
  /// The degrees above 1, for example `tp=2 ep=2`; `single` when there are none.
  package var description: String {
    let parts = MeshAxis.allCases.reversed().filter { self[$0] > 1 }.map { "\($0.degreeName)=\(self[$0])" }
    return parts.isEmpty ? "single" : parts.joined(separator: " ")
  }
}

extension MeshShape {
  private static func violations(_ degrees: [Int]) -> [String] {
    var sentences: [String] = []
    for (axis, degree) in zip(MeshAxis.allCases, degrees) where !(1...maximumWorldSize).contains(degree) {
      let nearest = degree < 1 ? 1 : maximumWorldSize
      sentences.append(
        "\(axis.degreeName) is \(degree), but must be from 1 to \(maximumWorldSize): use \(nearest).")
    }
    if !sentences.isEmpty { return sentences }
    guard let worldSize = product(degrees), worldSize <= maximumWorldSize else {
      let text = zip(MeshAxis.allCases, degrees).map { "\($0.degreeName)=\($1)" }.joined(separator: " ")
      let smaller = zip(MeshAxis.allCases, shrunk(degrees)).map { "\($0.degreeName)=\($1)" }
      return [
        "The mesh \(text) has more than \(maximumWorldSize) ranks: use for example "
          + smaller.joined(separator: " ") + "."
      ]
    }
    return []
  }

  /// The product, or nil when it does not fit.
  private static func product(_ degrees: [Int]) -> Int? {
    var product = 1
    for degree in degrees {
      let (next, overflow) = product.multipliedReportingOverflow(by: degree)
      if overflow { return nil }
      product = next
    }
    return product
  }

  /// Halves the largest degree until the product is allowed.
  private static func shrunk(_ degrees: [Int]) -> [Int] {
    var degrees = degrees
    while (product(degrees) ?? .max) > maximumWorldSize {
      let largest = degrees.indices.max { degrees[$0] < degrees[$1] }!
      degrees[largest] /= 2
    }
    return degrees
  }
}
