internal import Launching
internal import Parsing
internal import Presentation

/// Which rank runs where, for `plan`.
enum PlacementPage {
  static func text(_ placement: RankPlacement, tp: Int) -> String {
    var table = Table([("host", .left), ("slots", .right), ("ranks", .left)])
    for (place, host) in placement.hosts.enumerated() {
      let ranks = placement.ranks(on: place)
      table.add([
        host.name, "\(host.slots)", ranks.isEmpty ? "spare" : ranks.map(String.init).joined(separator: " "),
      ])
    }
    let torn = placement.tornGroups(of: tp)
    let groups = torn.map { "ranks \($0.lowerBound)-\($0.upperBound - 1)" }.joined(separator: ", ")
    let note =
      torn.isEmpty
      ? "Every tp group is inside one host."
      : "On more than one host: the tp groups of \(groups); more slots on a host would keep them together."
    return "\nPlacement\n\n" + table.text + "\n\n" + note
  }

  static func json(_ placement: RankPlacement, tp: Int) -> JSONValue {
    .members([
      "hosts": .array(
        placement.hosts.enumerated().map { place, host in
          .members([
            "host": .string(host.name), "slots": .count(host.slots),
            "ranks": .array(placement.ranks(on: place).map { .count($0) }),
          ])
        }),
      "torn_tp_groups": .array(
        placement.tornGroups(of: tp).map { .array($0.map { .count($0) }) }),
    ])
  }
}
