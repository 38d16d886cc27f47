extension Deployment {
  /// Files of `deploy/ssh`, by name.
  package var ssh: [(name: String, text: String)] { [("hosts", hostFile)] }

  private var hostFile: String {
    let perHost = max(1, ranksPerHost)
    let hosts = (worldSize + perHost - 1) / perHost
    let directory = model.isEmpty ? "" : " model=\(model)"
    let lines = (1...max(1, hosts)).map { "node\($0) slots=\(perHost)\(directory)" }.joined(separator: "\n")
    return """
      # One host a line: NAME, then any of slots=N user=U port=P identity=FILE address=IP executable=PATH model=DIR
      # env.NAME=VALUE
      # Ranks that exchange the most (a tp group) are kept on one host where its slots allow.
      \(lines)
      # One more takes the ranks of a host that is lost. Another user, port and key; where ranks reach it, when that
      # is not the way to the coordinator; other places of executable and model; a variable:
      # node\(hosts + 1) slots=\(perHost) user=mesh port=2222 identity=/home/me/.ssh/mesh
      # node\(hosts + 2) slots=1 address=10.1.0.3 executable=/opt/meshdecode model=/data/NAME env.LANG=C

      """
  }
}
