package import Launching

/// What was seen of all hosts and links; judged by `PreflightVerdict`.
package struct PreflightOutcome: Sendable {
  package var nodes: [NodeObservation]
  package var links: [LinkObservation]

  package init(nodes: [NodeObservation], links: [LinkObservation]) {
    self.nodes = nodes
    self.links = links
  }
}

/// One host.
package struct NodeObservation: Sendable {
  package var host: String
  /// Where the executable was looked for.
  package var executable: String
  /// Nil when it told nothing.
  package var facts: NodeFacts?
  package var checkpoint: CheckpointFingerprint?
  /// It came to the coordinator over the network of the mesh.
  package var hasJoined = false
  /// Seconds by which its clock is ahead of the coordinator's.
  package var clockOffset: Double?
  /// How its process ended before it was told to; nil when it did not.
  package var exit: RankExit?

  package init(host: String, executable: String) {
    self.host = host
    self.executable = executable
  }
}

/// The link between two hosts, by their places in the list.
package struct LinkObservation: Sendable {
  package var first: Int
  package var second: Int
  package var figures: LinkFigures?
  /// Why there are none.
  package var problem = ""

  package init(_ first: Int, _ second: Int, figures: LinkFigures? = nil, problem: String = "") {
    (self.first, self.second, self.figures, self.problem) = (first, second, figures, problem)
  }
}

/// What the preflight itself could not do.
package struct PreflightError: Error, Sendable, CustomStringConvertible {
  package let description: String
  /// The signal that ended it.
  package var signal: Int32?

  package init(_ description: String, signal: Int32? = nil) {
    self.description = description
    self.signal = signal
  }
}
