// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>

#include <tarn/layers/profile.hpp>

namespace tarn::io {

/// {"training": {"passes", "samples", "seconds"}, "inference": {...}, "rows": [{"name", "type", "output", "forward": {"passes",
/// "seconds", "flops", "bytes"}, "backward": {...}, "inference": {...}, "sharing": [...]}, ...]}: sums over all passes. What did not
/// happen is left out; "sharing" lists what holds of "with_below", "derivative", "takes_sums", "no_dx" and
/// "inference_with_below".
inline nlohmann::ordered_json to_json(const Profile& profile) {
  using Json = nlohmann::ordered_json;
  Json result = Json::object();
  const auto total = [&](const char* kind, const Profile::Total& t) {
    if (t.passes > 0) result[kind] = {{"passes", t.passes}, {"samples", t.samples}, {"seconds", t.seconds}};
  };
  total("training", profile.training());
  total("inference", profile.inference());
  result["rows"] = Json::array();
  for (const Profile::Row& row : profile.rows()) {
    Json line{{"name", row.name}};
    if (!row.type.empty()) line["type"] = row.type;
    for (int axis = 0; !row.type.empty() && axis < row.output.rank(); ++axis) line["output"].push_back(row.output[axis]);
    const auto work = [&](const char* kind, const Profile::Work& w) {
      if (w.passes > 0) line[kind] = {{"passes", w.passes}, {"seconds", w.seconds}, {"flops", w.flops}, {"bytes", w.bytes}};
    };
    work("forward", row.forward);
    work("backward", row.backward);
    work("inference", row.inference);
    const auto shares = [&](const char* what, bool holds) {
      if (holds) line["sharing"].push_back(what);
    };
    shares("with_below", row.sharing.with_below);
    shares("derivative", row.sharing.derivative);
    shares("takes_sums", row.sharing.takes_sums);
    shares("no_dx", row.sharing.no_dx);
    shares("inference_with_below", row.sharing.inference_with_below);
    result["rows"].push_back(std::move(line));
  }
  return result;
}

}  // namespace tarn::io
