// SPDX-License-Identifier: MIT
#pragma once

// Data sets from the network: the component tarn::download, which needs libcurl and OpenSSL. Nothing else in Tarn opens a connection.

#include <tarn/download/data_sets.hpp>
#include <tarn/download/fetch.hpp>
