internal import Compute
internal import Layers
internal import Models
internal import Tensors
internal import Topology

/// Checksums of the residual stream, which all ranks of an attention group hold alike.
///
/// After the last sum of a step each of them has the same rows to the bit. A rank whose rows differ has computed or
/// received something wrong that no frame checksum could see: a bit that fell over in memory, a broken arithmetic unit.
/// The first rank gets 8 bytes from each other one with the candidates and compares. What all ranks got wrong alike, as
/// a wrong part of a sum, does not show.
///
/// Cost: one CRC-32C over rows x hidden size x 4 bytes on each rank.
extension StepRunner {
  /// Adds this rank's digest, or those of the others, to the exchange of candidates that is being listed.
  func listDigests() {
    guard digestRows > 0, let digests = program.places.digests else { return }
    let ranks = program.geometry.attentionGroup.ranks
    for (index, rank) in ranks.enumerated() where rank == program.geometry.rank {
      memory.store(
        checksumOf: program.places.residual, byteCount: digestRows * program.hiddenSize * 4,
        at: digests.advanced(byFloats: index * Self.wordsPerDigest))
    }
    for (index, rank) in ranks.enumerated() where index > 0 {
      let place = digests.byteOffset + index * Self.wordsPerDigest * 4
      if program.geometry.rank == rank {
        list.send(to: ranks[0], byteOffset: place, byteCount: Self.wordsPerDigest * 4)
      } else if isReporter {
        list.receive(from: rank, byteOffset: place, byteCount: Self.wordsPerDigest * 4)
      }
    }
  }

  /// Throws when a rank's digest is not that of most.
  func compareDigests() throws(WorkerError) {
    guard digestRows > 0, isReporter, let digests = program.places.digests else { return }
    let ranks = program.geometry.attentionGroup.ranks
    let odd = memory.withInts(digests, count: ranks.count * Self.wordsPerDigest) { words in
      Self.firstOdd(words, count: ranks.count)
    }
    guard let odd else { return }
    throw .diverged(
      rank: ranks[odd],
      "the activations of rank \(ranks[odd]) differ from those of the other ranks of its attention group, though "
        + "every frame was whole")
  }

  /// Index of the first digest that is not the most frequent one; of two, the second.
  static func firstOdd(_ words: Span<Int32>, count: Int) -> Int? {
    var (best, votes) = (0, 0)
    for index in 0..<count {
      var same = 0
      for other in 0..<count where words[other * wordsPerDigest] == words[index * wordsPerDigest] {
        same += 1
      }
      if same > votes { (best, votes) = (index, same) }
    }
    return (0..<count).first { words[$0 * wordsPerDigest] != words[best * wordsPerDigest] }
  }

  /// The digest, and a word that keeps it as aligned as candidates are.
  static var wordsPerDigest: Int { StepPlaces.wordsPerDigest }
}
