/* SPDX-License-Identifier: MIT */
/* The options of a command of the control channel: KEY=VALUE, of which the last one counts. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *words_option(const struct words *words, const char *key)
{
    size_t length = strlen(key);

    for (int i = words->count - 1; i >= 0; i--) {
        if (strncmp(words->word[i], key, length) == 0 && words->word[i][length] == '=') {
            return words->word[i] + length + 1;
        }
    }
    return NULL;
}

uint64_t words_number(const struct words *words, const char *key, uint64_t otherwise)
{
    const char *value = words_option(words, key);

    return value ? strtoull(value, NULL, 0) : otherwise;
}

void words_string(const struct words *words, const char *key, char **ret)
{
    const char *value = words_option(words, key);

    if (value) {
        replace(ret, value);
    }
}

const char *words_known(const struct words *words, int from, const char *const *keys)
{
    static char problem[96];

    for (int i = from; i < words->count; i++) {
        size_t length = strcspn(words->word[i], "=");
        int k = 0;

        while (keys[k] && (strncmp(keys[k], words->word[i], length) != 0 || keys[k][length])) {
            k++;
        }
        if (!keys[k] || !words->word[i][length]) {
            snprintf(problem, sizeof problem, "no such option: %.60s", words->word[i]);
            return problem;
        }
    }
    return NULL;
}
