/** What Central takes of a deviation: its texts ride in the mandate, and are shorter than others. */

export const NAME_CHARACTERS_MAX = 255;
export const TEXT_CHARACTERS_MAX = 500;
