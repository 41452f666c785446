package org.edgefit.data;

/**
 * A record as a model's input text. The four parts are concatenated and tokenised as one text.
 *
 * @param opening the template's text before the question
 * @param question the record's own question, which may be cut where the text is too long
 * @param closing the template's text between question and answer
 * @param answer the answer with the tokens that end it, or empty where the model is to answer
 */
public record Prompt(String opening, String question, String closing, String answer) {

  /** Returns the text before the answer. */
  public String promptText() {
    return opening + question + closing;
  }

  /** Returns the whole text. */
  public String text() {
    return promptText() + answer;
  }

  /** Returns the same prompt with another answer. */
  public Prompt withAnswer(String newAnswer) {
    return new Prompt(opening, question, closing, newAnswer);
  }
}
