/** What Central takes of a deviation: it rides in the mandate, and is bounded more than others. */

export const HOSTS_MAX = 500;
export const NAME_CHARACTERS_MAX = 255;
export const TEXT_CHARACTERS_MAX = 500;
