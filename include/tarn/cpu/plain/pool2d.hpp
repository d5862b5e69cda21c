// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <tarn/cpu/geometry.hpp>

namespace tarn::cpu::plain {

/// Calls `cell(output pixel, input pixel, cells of the window, whether it is the window's first)` for each cell of each window.
template <class Cell>
void for_cells(const PoolGeometry& g, Cell cell) {
  for (Index row = 0; row < g.out_h; ++row)
    for (Index column = 0; column < g.out_w; ++column) {
      const PoolGeometry::Range rows = g.rows(row), columns = g.columns(column);
      for (Index h = rows.first; h < rows.last; ++h)
        for (Index w = columns.first; w < columns.last; ++w)
          cell(row * g.out_w + column, h * g.in_w + w, rows.size() * columns.size(), h == rows.first && w == columns.first);
    }
}

template <class T>
void avg_pool2d(const T* x, T* y, const PoolGeometry& g) {
  std::fill_n(y, g.out_h * g.out_w * g.channels, T(0));
  for_cells(g, [&](Index out, Index in, Index cells, bool) {
    for (Index c = 0; c < g.channels; ++c) y[out * g.channels + c] += x[in * g.channels + c] / static_cast<T>(cells);
  });
}
template <class T>
void avg_pool2d_gradient(const T* dy, T* dx, const PoolGeometry& g) {
  std::fill_n(dx, g.in_h * g.in_w * g.channels, T(0));
  for_cells(g, [&](Index out, Index in, Index cells, bool) {
    for (Index c = 0; c < g.channels; ++c) dx[in * g.channels + c] += dy[out * g.channels + c] / static_cast<T>(cells);
  });
}

template <class T>
void max_pool2d(const T* x, T* y, const PoolGeometry& g) {
  for_cells(g, [&](Index out, Index in, Index, bool first) {
    for (Index c = 0; c < g.channels; ++c) {
      const T value = x[in * g.channels + c];
      T& largest = y[out * g.channels + c];
      if (first || value > largest || value != value) largest = value;  // NaN counts as largest
    }
  });
}
template <class T>
void max_pool2d_gradient(const T* x, const T* y, const T* dy, T* dx, const PoolGeometry& g) {
  std::fill_n(dx, g.in_h * g.in_w * g.channels, T(0));
  for (Index c = 0; c < g.channels; ++c) {
    bool given = false;
    for_cells(g, [&](Index out, Index in, Index, bool first) {
      if (first) given = false;
      if (given || x[in * g.channels + c] != y[out * g.channels + c]) return;
      dx[in * g.channels + c] += dy[out * g.channels + c];
      given = true;
    });
  }
}

}  // namespace tarn::cpu::plain
